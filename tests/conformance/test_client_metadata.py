"""The example of the client id metadata document draft, read as a visitor's document is."""

import json

from conformance.harness import vector_set
from remit.domain.identity.client_documents import read_client_document

METADATA = vector_set("client-id-metadata")
CLIENT = "https://client.example.com/client.json"


@METADATA.each({f"{number} {one['section']}": one["text"] for number, one in enumerate(METADATA.read()["examples"])})
def test_the_printed_document_names_its_keys(check: str) -> None:
    printed = json.loads(check.replace("...", "", 1).replace(",\n  ...", "").replace("...", ""))
    rest = {"client_id": CLIENT, "client_name": "Client", "redirect_uris": ["https://client.example.com/callback"]}
    found = read_client_document(CLIENT, json.dumps(rest | printed).encode(), allow_loopback=False)
    assert found.keys == {"jwks_url": "https://client.example.com/jwks.json"}
