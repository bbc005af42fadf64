"""Pictures for tests, drawn and encoded by libgd: one drawing of each number, in any size and format."""
import ctypes
import random

GD = ctypes.CDLL("libgd.so.3")
IMAGE = ctypes.c_void_p
FORMATS = ("png", "jpeg", "gif", "webp")

for _name, _result, _arguments in [
        ("gdImageCreateTrueColor", IMAGE, [ctypes.c_int] * 2), ("gdImageDestroy", None, [IMAGE]),
        ("gdImageFilledRectangle", None, [IMAGE] + [ctypes.c_int] * 5),
        ("gdImageFilledEllipse", None, [IMAGE] + [ctypes.c_int] * 5),
        ("gdImageCopyResampled", None, [IMAGE] * 2 + [ctypes.c_int] * 8),
        ("gdFontGetGiant", ctypes.c_void_p, []),
        ("gdImageString", None, [IMAGE, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]),
        ("gdImageTrueColorToPalette", ctypes.c_int, [IMAGE, ctypes.c_int, ctypes.c_int]),
        ("gdImagePngPtr", ctypes.c_void_p, [IMAGE, ctypes.POINTER(ctypes.c_int)]),
        ("gdImageGifPtr", ctypes.c_void_p, [IMAGE, ctypes.POINTER(ctypes.c_int)]),
        ("gdImageJpegPtr", ctypes.c_void_p, [IMAGE, ctypes.POINTER(ctypes.c_int), ctypes.c_int]),
        ("gdImageWebpPtrEx", ctypes.c_void_p, [IMAGE, ctypes.POINTER(ctypes.c_int), ctypes.c_int]),
        ("gdFree", None, [ctypes.c_void_p])]:
    getattr(GD, _name).restype, getattr(GD, _name).argtypes = _result, _arguments


def _encode(image, form, quality):
    size = ctypes.c_int()
    if form == "gif":
        GD.gdImageTrueColorToPalette(image, 1, 128)
    encode = {"png": GD.gdImagePngPtr, "gif": GD.gdImageGifPtr, "jpeg": GD.gdImageJpegPtr, "webp": GD.gdImageWebpPtrEx}[form]
    more = [quality] if form in ("jpeg", "webp") else []
    pointer = encode(image, ctypes.byref(size), *more)
    try:
        return ctypes.string_at(pointer, size.value)
    finally:
        GD.gdFree(pointer)


def _scaled(image, width, height, wanted_width, wanted_height):
    result = GD.gdImageCreateTrueColor(wanted_width, wanted_height)
    GD.gdImageCopyResampled(result, image, 0, 0, 0, 0, wanted_width, wanted_height, width, height)
    GD.gdImageDestroy(image)
    return result


def drawing(number, form="png", width=400, height=300, quality=80):
    """The bytes of a picture: shapes in colours, other ones for each number, the same in every size and format."""
    chance = random.Random(number)
    image = GD.gdImageCreateTrueColor(400, 300)
    GD.gdImageFilledRectangle(image, 0, 0, 400, 300, 0xFAFAF0)
    for i in range(12):
        x, y, size = chance.randrange(400), chance.randrange(300), chance.randrange(50, 150)
        colour = chance.randrange(1 << 24)
        if i % 2:
            GD.gdImageFilledEllipse(image, x, y, size, size // 2, colour)
        else:
            GD.gdImageFilledRectangle(image, x, y, x + size, y + size // 3, colour)
    image = _scaled(image, 400, 300, width, height)
    try:
        return _encode(image, form, quality)
    finally:
        GD.gdImageDestroy(image)


def words(text, form="png"):
    """A picture of the words, large enough to be read."""
    width = 9 * len(text) + 20
    image = GD.gdImageCreateTrueColor(width, 40)
    GD.gdImageFilledRectangle(image, 0, 0, width, 40, 0xFFFFFF)
    GD.gdImageString(image, GD.gdFontGetGiant(), 10, 12, text.encode(), 0)
    image = _scaled(image, width, 40, 4 * width, 160)
    try:
        return _encode(image, form, 90)
    finally:
        GD.gdImageDestroy(image)
