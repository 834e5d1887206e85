"""Data sets in Parquet files, as the Hugging Face hub serves them."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "parquet",
        "ocrkit_parquet.reader:ParquetRows",
        summary="Parquet files with columns of images and texts, as the Hugging Face hub has them",
        extra="parquet",
    )
