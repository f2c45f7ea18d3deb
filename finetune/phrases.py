"""How an analyst asks: phrasings with places for company, metric and period."""

LEVEL = (
    "What was {company}'s {metric} in {period}?",
    "How much {metric} did {company} report for {period}?",
    "How high was the {metric} of {company} in {period}?",
    "What figure does {company} give for {metric} in {period}?",
    "What did {company} record as {metric} for {period}?",
    "I need the {metric} of {company} for {period}. What is it?",
    "{company} {metric} {short}?",
    "{short} {metric} at {company}?",
    "For {company}, what did {metric} come to in {period}?",
    "How big was {company}'s {metric} during {period}?",
)
LEVEL_AT = (
    "What was {company}'s {metric} at {period}?",
    "How much {metric} did {company} carry at {period}?",
    "How much {metric} did {company} have on its books as of {period}?",
    "What balance does {company} show for {metric} as of {period}?",
    "As of {period}, how large was {metric} at {company}?",
    "{company} {metric} at {period}?",
)
CHANGE = (
    "How did {company}'s {metric} change from {earlier} to {later}?",
    "By how much did {metric} at {company} move between {earlier} and {later}?",
    "Did {company}'s {metric} rise or fall in {later} compared with {earlier}, and by how much?",
    "What was the growth in {company}'s {metric} from {earlier} to {later}?",
    "{company}: {metric} growth, {later} against {earlier}?",
    "How does {metric} of {company} in {later} compare with {earlier}?",
)
SHARE = (
    "What share of {company}'s {total} came from {metric} in {period}?",
    "How much of {company}'s {total} did {metric} make up in {period}?",
    "What percentage of {total} was {metric} at {company} in {period}?",
    "In {period}, how large a part of {total} was {metric} for {company}?",
)
RATIO = (
    "What was {company}'s {metric} in {period}?",
    "Work out the {metric} of {company} for {period}. What is the result?",
    "How strong was {company}'s {metric} in {period}?",
    "What {metric} did {company} achieve in {period}?",
    "Based on its annual report, what is {company}'s {metric} for {period}?",
    "{company} {metric} {short}?",
)
HINTS = (
    "Going by the {statement}, {question}",
    "In the {statement}: {question}",
    "With the {statement} at hand, {question}",
)
