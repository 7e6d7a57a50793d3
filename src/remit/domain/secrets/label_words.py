"""What a password, a PIN and a one-time code are called in many languages: data of `forms_by_place`, as people write it."""

from typing import Final

PASSWORDS: Final = (
    "passwort kennwort losungswort hasło heslo jelszó jelszav parolă parola contraseña clave senha palavra-passe "
    "mot\u00a0de\u00a0passe palabra\u00a0clave parola\u00a0d'ordine wachtwoord lösenord passord adgangskode kodeord salasana "
    "tunnussana parool lozinka geslo şifre slaptažodis lykilorð пароль лозинка парола κωδικό κωδικός συνθηματικό "
    "密码 密碼 口令 パスワード 暗証番号 비밀번호 암호 كلمة\u00a0المرور كلمة\u00a0السر  סיסמה סיסמא הסיסמה הסיסמא mật\u00a0khẩu รหัสผ่าน पासवर्ड "  # noqa: RUF001  # these letters are the point
    "kata\u00a0sandi la\u00a0password mia\u00a0password nenosiri wagwoord pasahitza contrasenya"
)
"""Beginnings of words: endings follow ("salasanani", "jelszavam")."""
CODES: Final = (
    "le\u00a0code mon\u00a0code ton\u00a0code votre\u00a0code codice código kod kód koden kode koodi kodas cod код кода код\u00a0подтверждения κωδικός 验证码 驗證碼 認証コード 인증번호 "  # noqa: RUF001  # these letters are the point
    "رمز קוד รหัส कोड"
)
ARE: Final = "ist lautet est es é è to jest je to\u00a0je er är är\u00a0det on van este olan это είναι הוא הם هي هو là คือ है adalah は 是 为 為 는 은"
"""What stands between a label and its value."""
