"""Manifests (清单): reading CSV and XLSX, checking each row, importing what is good.

One file goes through ``table`` (bytes to rows of text), ``columns`` (headers to our columns), ``rows``
(text to a parcel or to problems) and ``importer`` (parcels to the database, once).
"""
