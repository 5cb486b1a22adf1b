"""Prints what can be read in a PDF file, as another program reads it: title, language, then the text of each page."""

import sys

from pypdf import PdfReader

reader = PdfReader(sys.argv[1])
print(reader.metadata.title)
print(reader.root_object["/Lang"])
for page in reader.pages:
    print(page.extract_text())
