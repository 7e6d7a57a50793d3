"""The reader of pictures, a program of its own: a picture in, the same pixels without anything beside them out."""

import io
import sys
from typing import Final

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from remit.adapters.documents.process_limits import TOO_MUCH, run

_MAX_PIXELS: Final = 16_000_000
"""Pixels: 64 MiB unpacked. A photograph of 1 MiB has 3 to 12 million."""
_QUALITY: Final = 90
_PLAIN: Final = frozenset({"L", "RGB", "RGBA"})
_FORMATS: Final = {"png": PngImagePlugin.PngImageFile, "jpeg": JpegImagePlugin.JpegImageFile}
_LOADED: Final = (TiffImagePlugin.ImageFileDirectory_v2,)
"""What reads a camera's data is a file, too, and is read in before nothing can be opened any more."""


def reencode_picture(data: bytes, kind: str) -> bytes:
    """The picture, turned the way its camera said, made anew from its pixels."""
    picture: Image.Image = _FORMATS[kind](io.BytesIO(data))
    if picture.width * picture.height > _MAX_PIXELS:
        sys.exit(TOO_MUCH)
    picture = ImageOps.exif_transpose(picture)
    mode = picture.mode if picture.mode in _PLAIN else "RGBA" if kind == "png" else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    fresh = Image.frombytes(mode, picture.size, picture.tobytes())
    out = io.BytesIO()
    if kind == "png":
        fresh.save(out, format="PNG")
    else:
        fresh.save(out, format="JPEG", quality=_QUALITY)
    return out.getvalue()


if __name__ == "__main__":
    Image.preinit()  # plugins are files, too
    run(lambda data: reencode_picture(data, sys.argv[1]))
