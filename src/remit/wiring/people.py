"""Assembly of the company's OpenID provider."""

from remit.adapters.people.oidc import OidcProvider
from remit.adapters.people.oidc_terms import ProviderTerms
from remit.adapters.signer.key_files import read_key_file
from remit.settings import Settings


def build_provider(settings: Settings) -> OidcProvider | None:
    """Build the client of the company's OpenID provider, without contacting it; None without one.

    Raises:
        Refused: `settings.invalid` when the secret or key is missing, open to others, or cannot be used.
    """
    people = settings.people
    if people is None:
        return None
    kept = read_key_file(people.credential.parent, people.credential.name)
    return OidcProvider(
        ProviderTerms(
            issuer=people.rules.issuer,
            client_id=people.client_id,
            redirect_uri=f"{settings.issuer}/login/oidc/callback",
            signed_out_uri=f"{settings.issuer}/login",
            scopes=people.scopes,
            algorithms=people.algorithms,
            secret=b"" if people.by_key else kept,
            key=kept if people.by_key else b"",
            audience=people.audience,
            userinfo=people.userinfo,
            allow_loopback=settings.loopback,
            allow_private=people.private_network,
        )
    )
