"""What can go wrong with regions, roads and places."""

from __future__ import annotations

from kernel.errors import (
    ConflictError,
    InputError,
    InvalidFileError,
    InvalidModelError,
    NotFoundError,
    UnavailableError,
)


class RegionNotFoundError(NotFoundError):
    """No region of that name was imported."""

    code = "region_not_found"
    remedy = "`cunda region list` shows the regions; `cunda region build demo` or `cunda region import` makes one."


class RegionNameError(InputError):
    """A region name cannot be used as a folder and in addresses."""

    code = "region_name"
    remedy = "Use 3 to 32 of the characters a-z, 0-9 and '-', beginning with a letter or digit."


class RegionDataError(UnavailableError):
    """The stored files of a region are missing or damaged."""

    code = "region_data"
    remedy = "Import the region again; an import replaces the stored files as a whole."


class RegionStorageError(UnavailableError):
    """A region cannot be written to the disk."""

    code = "region_storage"
    remedy = "Check the free space of the disk and that the folder `home` in the settings may be written to."


class RegionBusyError(ConflictError):
    """Another import under the same name is under way."""

    code = "region_busy"
    remedy = "Wait until it is done, or import under another name; an import that died holds nothing up."


class PlaceNotFoundError(NotFoundError):
    """The region has no place or township of that id."""

    code = "place_not_found"
    remedy = "Use an id from the region's list of places."


class PlaceUnlocatedError(InputError):
    """A place without coordinates was to be used as a point."""

    code = "place_unlocated"
    remedy = "Give the place coordinates in the region's source file, or pick its position by hand on the map."


class CoordinateError(InputError):
    """A point is not a longitude and latitude."""

    code = "coordinate"
    remedy = "Give WGS-84 degrees as (longitude, latitude); leave out points whose position is unknown."


class ProfileError(InputError):
    """No vehicle profile has that name."""

    code = "vehicle_profile"
    remedy = "Use one of: van, etrike, motorcycle."


class DatumError(InputError):
    """The datum of a coordinate has an unknown name."""

    code = "datum"
    remedy = "Use one of: wgs84, gcj02, bd09."


class DatumDoubtError(InvalidFileError):
    """Points fit another datum clearly better than the one they are declared in."""

    code = "datum_doubt"
    remedy = "Give the datum the message names, or say that the declared one is to be trusted."


class TerrainError(InputError):
    """The terrain class of a region without roads has an unknown name."""

    code = "terrain"
    remedy = "Use one of: flat, hilly, mountain."


class OsmFileError(InvalidFileError):
    """An OpenStreetMap extract cannot be read to its end."""

    code = "osm_file"
    remedy = "Download the extract again and compare its checksum; it must be a complete .osm.pbf, .osm or .osm.bz2."


class NoRoadsError(InvalidFileError):
    """An extract holds no road a vehicle may use."""

    code = "no_roads"
    remedy = "Use an extract with ways tagged highway=*; for a region without road data import villages from CSV."


class NoPlacesError(InvalidFileError):
    """A file names no town, village or hamlet."""

    code = "no_places"
    remedy = "Use an extract with nodes tagged place=town, village or hamlet, or import villages from CSV."


class BoundaryOpenError(InvalidFileError):
    """A township's boundary does not close."""

    code = "boundary_open"
    remedy = "Close the boundary in the data, or give the townships as polygons with --boundary FILE."


class BoundaryFileError(InvalidFileError):
    """A file of boundaries cannot be used."""

    code = "boundary_file"
    remedy = "Give GeoJSON in WGS-84 with one Polygon or MultiPolygon per township and its `name` in the properties."


class PlacesFileError(InvalidFileError):
    """A table of villages or towns cannot be used."""

    code = "places_file"
    remedy = "Give UTF-8 CSV with the columns docs/maps.md lists; leave unknown coordinates empty."


class ClosureError(InputError):
    """A road closure names no road that exists."""

    code = "road_closure"
    remedy = "Use edge ids that snapping returned, or a polygon in WGS-84."


class SitingInputError(InputError):
    """Something kiosks are to be sited by cannot be used."""

    code = "siting_input"
    remedy = "Correct what the message names; docs/siting.md lists scenes, patterns and columns."


class SitingImpossibleError(InvalidModelError):
    """No choice of sites keeps every rule."""

    code = "siting_impossible"
    remedy = "Loosen what the message names: spacing, cluster, spending, or the pattern's scenes."


class CoverageImpossibleError(InvalidModelError):
    """Some demand lies farther from every candidate than it may."""

    code = "coverage_impossible"
    remedy = "Allow more minutes, add candidates near the places named, or leave these places out."


class SitingMethodError(InputError):
    """A siting method does not know one of the rules it was given."""

    code = "siting_method"
    remedy = "Use the exact method, which knows all rules."


class SectionsImpossibleError(InvalidModelError):
    """A region cannot be cut into that many connected courier sections."""

    code = "sections_impossible"
    remedy = "Ask for another number of sections, or leave out the places the message names."
