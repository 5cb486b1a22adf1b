### CSP > Kunder, och en kunds sidor på instrumentpanelen.

customers-search = Sök på namn eller domän
customers-name = Företagsnamn
customers-domain = Primär domän
customers-none = Inga kunder hittades
customers-none-text = Här står ditt företags kunder. Försök med färre bokstäver.
