"""Picture reader, a program of its own: picture in, the same pixels without metadata out."""

import io
import sys
from typing import Final

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from remit.adapters.documents.process_limits import TOO_MUCH, run

_MAX_PIXELS: Final = 16_000_000
"""Most pixels: 64 MiB unpacked. A photograph of 1 MiB has 3 to 12 million."""
_QUALITY: Final = 90
_PLAIN: Final = frozenset({"L", "RGB", "RGBA"})
_FORMATS: Final = {"png": PngImagePlugin.PngImageFile, "jpeg": JpegImagePlugin.JpegImageFile}
_LOADED: Final = (TiffImagePlugin.ImageFileDirectory_v2,)
"""The reader of camera data is a file: it is loaded before opening files is forbidden."""


def reencode_picture(data: bytes, kind: str) -> bytes:
    """Rebuild a picture from its pixels, turned as its camera recorded."""
    picture: Image.Image = _FORMATS[kind](io.BytesIO(data))
    if picture.width * picture.height > _MAX_PIXELS:
        sys.exit(TOO_MUCH)
    picture = ImageOps.exif_transpose(picture)
    mode = picture.mode if picture.mode in _PLAIN else "RGBA" if kind == "png" else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    fresh = Image.frombytes(mode, picture.size, picture.tobytes())
    out = io.BytesIO()
    fresh.save(out, format=kind.upper(), quality=_QUALITY)  # PNG ignores the quality
    return out.getvalue()


if __name__ == "__main__":
    Image.preinit()  # plugins are files
    run(lambda data: reencode_picture(data, sys.argv[1]))
