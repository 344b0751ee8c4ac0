"""What Spanbridge's members share: contracts, pure text functions, typed clients, serving, and one exception tree."""
