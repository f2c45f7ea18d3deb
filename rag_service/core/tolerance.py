"""How far vectors of one model may lie apart that different engines computed."""

from __future__ import annotations

MIN_COSINE = 0.998
"""Of an engine's vector to that of float32; one that gives less for any text is refused."""

ALIKE = 2 * MIN_COSINE**2 - 1
"""Of two vectors of one text, at least: each is within the angle of ``MIN_COSINE`` of float32, so
they are within twice that angle of one another."""
