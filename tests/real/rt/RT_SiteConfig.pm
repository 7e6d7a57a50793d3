Set($rtname, 'desk.test'); Set($Organization, 'desk.test');
Set($WebDomain, '127.0.0.1'); Set($WebPort, $ENV{RT_PORT}); Set($WebPath, '');
Set($WebBaseURL, "http://127.0.0.1:$ENV{RT_PORT}");
Set($DatabaseType, 'SQLite'); Set($DatabaseName, "$ENV{RT_HOME}/rt.sqlite3");
Set($MasonDataDir, "$ENV{RT_HOME}/mason"); Set($MasonSessionDir, "$ENV{RT_HOME}/session");
Set($MailCommand, 'sendmailpipe'); Set($SendmailPath, "$ENV{RT_HOME}/sendmail");
Set($LogToSTDERR, 'warning'); Set($LogToSyslog, undef); Set($BcryptCost, 4); Set($Timezone, 'UTC');
Set($RemitEvents, $ENV{GATEWAY_WEBHOOK_URL}); Set($RemitEventsSecret, $ENV{GATEWAY_WEBHOOK_SECRET});
1;
