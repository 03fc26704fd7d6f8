"""What is written in an image file is read again, pixel by pixel; what is damaged is refused and harms nobody."""

import io

import numpy as np
import pytest
from PIL import Image

from dlkit.data.samples.broken import BrokenImageError
from dlkit.data.samples.decode import decode
from tests.made_samples import encoded, pixels, png16, tiff


def read(data):
    return decode(np.frombuffer(bytearray(data), np.uint8))


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


GRAY, RGB = pixels(20, 30), pixels(20, 30, 3)
GRAY16, RGB16 = pixels(20, 30, dtype=np.uint16), pixels(20, 30, 3, dtype=np.uint16)


def first(image):
    return image[None] if image.ndim == 2 else image.transpose(2, 0, 1)


@pytest.mark.parametrize("image", [GRAY, RGB], ids=["gray", "rgb"])
@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_lossless_8_bit_images_come_back(image, form):
    np.testing.assert_array_equal(read(encoded(image, form)), first(image))


@pytest.mark.parametrize("image", [GRAY, RGB], ids=["gray", "rgb"])
def test_a_jpeg_is_what_pillow_makes_of_it(image):
    data = encoded(image, "JPEG", quality=90)
    np.testing.assert_array_equal(read(data), first(np.asarray(Image.open(io.BytesIO(data)))))


def test_a_jpeg_in_four_inks_becomes_red_green_blue():
    stream = io.BytesIO()
    Image.fromarray(RGB).convert("CMYK").save(stream, format="JPEG", quality=100, subsampling=0)
    assert np.abs(read(stream.getvalue()).astype(float) - first(RGB)).mean() < 6


@pytest.mark.parametrize(
    "data", [encoded(GRAY16), encoded(GRAY16, "TIFF"), encoded(GRAY16, "TIFF", compression="tiff_lzw")]
)
def test_16_bits_stay_16_bits(data):
    assert read(data).dtype == np.uint16
    np.testing.assert_array_equal(read(data), first(GRAY16))


def test_16_bit_colours_are_not_cut_to_8_bits():
    np.testing.assert_array_equal(read(png16(RGB16)), first(RGB16))


def test_a_palette_and_bits_become_colours_and_levels():
    stream = io.BytesIO()
    Image.fromarray(RGB).convert("P").save(stream, format="PNG")
    assert read(stream.getvalue()).shape == (3, 20, 30)
    stream = io.BytesIO()
    Image.fromarray(GRAY).convert("1").save(stream, format="PNG")
    assert set(np.unique(read(stream.getvalue()))) == {0, 255}


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"deflate": True}, {"separate": True, "strips": 1}], ids=str)
def test_tiff_of_any_type_and_number_of_channels(dtype, order, options):
    page = np.random.default_rng(0).integers(0, 100, (5, 9, 7)).astype(dtype)
    image = read(tiff([page], order, **options))
    assert image.dtype == {"u1": np.uint8, "u2": np.uint16}.get(dtype, np.float32)
    np.testing.assert_array_equal(image, page.astype(np.float32))


def test_tiff_pages_are_channels_and_white_may_be_zero():
    pages = pixels(4, 1, 9, 7, dtype=np.uint16)
    np.testing.assert_array_equal(read(tiff(list(pages))), pages[:, 0])
    np.testing.assert_array_equal(read(tiff(list(pages), inverted=True)), 65535 - pages[:, 0])
    frames = [Image.fromarray(page[0]) for page in pages]
    stream = io.BytesIO()
    frames[0].save(stream, format="TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(read(stream.getvalue()), pages[:, 0])


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8", "?"])
def test_npy_comes_back(dtype):
    image = np.random.default_rng(0).integers(0, 2, (6, 9, 7)).astype(dtype)
    np.testing.assert_array_equal(read(npy(image)), image)
    np.testing.assert_array_equal(read(npy(image[0])), image[:1])


WHOLE = {
    "jpeg": encoded(RGB, "JPEG"), "png": encoded(RGB), "tiff": encoded(GRAY16, "TIFF"), "npy": npy(RGB16),
    "lzw": encoded(GRAY16, "TIFF", compression="tiff_lzw"), "bmp": encoded(RGB, "BMP"),
    "made tiff": tiff([GRAY16[None]]),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_image_is_refused(kind, part):
    with pytest.raises(BrokenImageError):
        read(WHOLE[kind][: int(len(WHOLE[kind]) * part)])


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "lzw", "npy"])
def test_damage_in_the_middle_never_ends_the_process(kind):
    random = np.random.default_rng(0)
    for _ in range(30):
        data = bytearray(WHOLE[kind])
        place = int(random.integers(4, len(data) - 60))
        data[place : place + 50] = random.bytes(50)
        try:
            assert read(data).ndim == 3
        except BrokenImageError as error:
            assert str(error)
