"""Connecting annotation tools with a gateway, through the tools' own interfaces."""
