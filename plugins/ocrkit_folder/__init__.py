"""People's own data: a folder of images."""

from ocrkit.hookspecs import Register, hookimpl


@hookimpl
def ocrkit_readers(register: Register) -> None:
    register(
        "folder",
        "ocrkit_folder.folder:Folder",
        summary="a folder of images, with labels.tsv or a .gt.txt beside each",
    )
