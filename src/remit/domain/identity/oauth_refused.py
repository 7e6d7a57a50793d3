"""A refusal with OAuth's own word for it, where one of our codes says less than the standard wants."""

from remit.domain.errors import Code, Refused


class OAuthRefused(Refused):
    """A refusal that OAuth clients know by `named` (RFC 6749 §5.2 and its extensions)."""

    def __init__(
        self,
        named: str,
        code: Code,
        detail: str,
        *,
        public: str | None = None,
        public_cure: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        """Carry OAuth's word beside the code; `detail` is for the desk alone."""
        super().__init__(code, detail, public=public, public_cure=public_cure, retry_after_s=retry_after_s)
        self.named = named
