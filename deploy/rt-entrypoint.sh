#!/bin/sh
# Makes RT's database once, with Remit's queue, field and account, then serves RT. Its settings: RT_SiteConfig.pm beside this.
set -eu
export RT_SITE_CONFIG=/etc/remit-rt/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=/etc/remit-rt/none.d
RT_DATABASE_PASSWORD=$(cat "$RT_DATABASE_PASSWORD_FILE")
export RT_DATABASE_PASSWORD PGPASSWORD="$RT_DATABASE_PASSWORD"
if ! psql -h "$RT_DATABASE_HOST" -U postgres -d rt5 -c 'select 1 from users limit 1' >/dev/null 2>&1; then
    psql -h "$RT_DATABASE_HOST" -U postgres -c 'create database rt5'
    /usr/sbin/rt-setup-database-5 --action init --skip-create --root-password-file "$RT_DATABASE_PASSWORD_FILE"
    /usr/sbin/rt-setup-database-5 --action insert --datafile /etc/remit-rt/rt-seed.pl
fi
# Remit speaks plain http to its own machine alone: TLS in front of RT, with a certificate of its own for the name `rt`.
if ! [ -e /var/lib/remit-rt/cert.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=rt -addext subjectAltName=DNS:rt \
        -keyout /var/lib/remit-rt/key.pem -out /var/lib/remit-rt/cert.pem
fi
stunnel /etc/remit-rt/stunnel.conf
exec /usr/share/request-tracker5/libexec/rt-server --server Starlet --max-workers 4 --host 127.0.0.1 --port 8081
