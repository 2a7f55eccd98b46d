"""Fair shares (费用分摊): what each company pays of a cost they caused together, and whether it may complain."""
