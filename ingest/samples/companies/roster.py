"""The invented companies, in the order in which their filings are written."""

from ingest.samples.companies.aldercourt import ALDERCOURT
from ingest.samples.companies.bramblecote import BRAMBLECOTE
from ingest.samples.companies.brannoch import BRANNOCH
from ingest.samples.companies.dunmorrow import DUNMORROW
from ingest.samples.companies.halversen import HALVERSEN
from ingest.samples.companies.pellworth import PELLWORTH
from ingest.samples.companies.stavelock import STAVELOCK
from ingest.samples.companies.tessmark import TESSMARK

COMPANIES = (
    ALDERCOURT,
    BRAMBLECOTE,
    BRANNOCH,
    DUNMORROW,
    HALVERSEN,
    PELLWORTH,
    STAVELOCK,
    TESSMARK,
)
