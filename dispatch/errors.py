"""Errors of parcels, custody and service products.

Leaves below the families of :mod:`kernel.errors`::

    InvalidFileError
    ├── ManifestError                 422  a manifest as a whole cannot be used
    │   ├── ManifestEmptyError             no bytes, or nothing but blank lines
    │   ├── ManifestNoRowsError            a header and nothing below it
    │   ├── ManifestColumnsError           a required column is missing or doubled
    │   ├── ManifestEncodingError          neither UTF-8 nor GB18030
    │   ├── ManifestBinaryError            not a table at all
    │   ├── ManifestMalformedError         quotes that never close, sheets that end half-way
    │   ├── ManifestArchiveError           a damaged, locked or foreign XLSX
    │   ├── ManifestBombError              an XLSX made to fill the machine
    │   └── ManifestTooLargeError     413  more bytes or rows than accepted
    └── ProductDataError              422  the file of service products contradicts itself
    InputError
    ├── ManifestMappingError               a column mapping that cannot be meant
    ├── CellError                          a manifest's cell, listed among its row's problems
    ├── CompanyIdError                     a company id that cannot be used
    └── CustodyEventError                  an event that cannot be true
    NotFoundError
    ├── ParcelUnknownError                 no parcel with this waybill or id
    ├── CompanyUnknownError                no company with this id
    └── ProductUnknownError                no service product in force with this code
    ConflictError
    └── CollectionConflictError            a drop-off names a waybill that is something else already
"""

from __future__ import annotations

from kernel.errors import ConflictError, InputError, InvalidFileError, NotFoundError


class ManifestError(InvalidFileError):
    """A manifest as a whole cannot be used; nothing of it was stored."""

    code = "manifest"
    remedy = "Send a CSV (UTF-8 or GB18030) or XLSX file with one header row and one row per piece."


class ManifestEmptyError(ManifestError):
    """The file holds no bytes, or nothing but blank lines."""

    code = "manifest_empty"
    remedy = "Export the manifest again; the file holds nothing."


class ManifestNoRowsError(ManifestError):
    """There is a header and nothing below it."""

    code = "manifest_no_rows"
    remedy = "Check the filter of the export: the file has a header but no parcel."


class ManifestColumnsError(ManifestError):
    """A required column is missing, or two columns mean the same."""

    code = "manifest_columns"
    remedy = "Rename the columns as docs/reference/manifest.md lists them, or give a mapping."


class ManifestEncodingError(ManifestError):
    """The text is neither UTF-8 nor GB18030."""

    code = "manifest_encoding"
    remedy = "Save the file as “CSV UTF-8”, or as GB18030 (GBK), and send it again."


class ManifestBinaryError(ManifestError):
    """The bytes are not a table: an image, a document, an old .xls."""

    code = "manifest_binary"
    remedy = "Save the sheet as .xlsx or as CSV; old .xls files are not read."


class ManifestMalformedError(ManifestError):
    """The table breaks off, for example inside a quoted field that is never closed."""

    code = "manifest_malformed"
    remedy = "Look at the line named in the message; a quotation mark is missing there, or the file was cut."


class ManifestArchiveError(ManifestError):
    """An XLSX that is damaged, locked with a password, or something else in disguise."""

    code = "manifest_archive"
    remedy = "Open the file in a spreadsheet program, save it again as .xlsx without a password."


class ManifestBombError(ManifestError):
    """An XLSX whose parts unpack to far more than a manifest can be, or that carries XML entities."""

    code = "manifest_bomb"
    remedy = "Save the sheet as CSV. If a partner sent this file, ask who made it."


class ManifestTooLargeError(ManifestError):
    """More bytes or rows than this installation accepts."""

    code = "manifest_too_large"
    status = 413
    remedy = "Split the file, or raise import_max_bytes or import_max_rows in the settings."


class ManifestMappingError(InputError):
    """A column mapping names a column that does not exist, here or in the file."""

    code = "manifest_mapping"
    remedy = "Map our column names (docs/reference/manifest.md) to the headers that stand in the file."


class ProductDataError(InvalidFileError):
    """The file of service products contradicts itself."""

    code = "product_data"
    remedy = "Correct the product and field named in the message."


class ProductUnknownError(NotFoundError):
    """No service product in force has this code."""

    code = "product_unknown"
    remedy = "Use a product that is in force on that day, or seed the service products first."


class ParcelUnknownError(NotFoundError):
    """No parcel has this waybill or id."""

    code = "parcel_unknown"
    remedy = "Check the number on the label; a parcel is known once its manifest was imported."


class CompanyUnknownError(NotFoundError):
    """No company has this id."""

    code = "company_unknown"
    remedy = "Register the company first, or import with registration of companies switched on."


class CustodyEventError(InputError):
    """A custody event lacks what its type needs, or names what does not exist."""

    code = "custody_event"
    remedy = "docs/custody.md lists for each event type what it must carry."


class CollectionConflictError(ConflictError):
    """A drop-off names a waybill under which something else is known."""

    code = "collection_conflict"
    remedy = "Scan the label again; if it is right, record the parcel as a surplus scan."


class CompanyIdError(InputError):
    """A company's id has a form that cannot be used."""

    code = "company_id"
    remedy = "Use 1 to 32 lower-case letters, digits and hyphens, for example “yunlu”."


class CellError(InputError):
    """A cell of a manifest cannot be used; the row reader lists it among the row's problems.

    Parameters
    ----------
    problem
        Key of ``dispatch.parcels.manifest.problems.REMEDIES``.
    candidates
        Ids to choose from.
    """

    code = "manifest_cell"
    remedy = "Correct the cell as the row's problem says."

    def __init__(self, problem: str, message: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, problem=problem)
        self.problem = problem
        self.candidates = candidates
