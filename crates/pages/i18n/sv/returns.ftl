### Återlämning och byte av reservationer, och gränsen för återlämningar.

return-lead = Först räknas beloppet ut. Det som visas då gäller i högst { $minutes } minuter, och inget lämnas tillbaka förrän du säger till.
return-quantity = Instanser att lämna tillbaka
return-quantity-hint = { $most ->
    [one] Det finns en.
   *[other] Från 1 till { $most }. Det som behålls fortsätter som förut.
  }
return-quantity-returned = Återlämnade instanser
return-calculate = Räkna ut
return-steps = Återlämningens steg
return-review = Granska återlämningen
return-done = Reservationen är återlämnad
return-done-text = Återlämnad { $at } (UTC). Så här blev det.
return-amount = Det kunden får tillbaka
return-limit = Mot gränsen för återlämningar
return-line = Rad
return-money = Belopp
return-holds = Beloppet gäller till { $at } (UTC).
return-lapsed = Det här gäller inte längre. Räkna ut det igen; inget har lämnats tillbaka.
return-again = Räkna ut igen
return-final = En återlämning går inte att ångra. Förmånen upphör genast.
return-reason = Skäl
return-reason-hint = Till aktivitetsloggen. Får lämnas tomt.
return-button = Lämna tillbaka för { $amount }

refund-share = Debiterat för de återlämnade instanserna
refund-share-none = Inget har debiterats än.
refund-share-whole = Allt betalades på en gång.
refund-share-instalment = Delbetalning { $number } av { $instalments } löper.
refund-share-covers = { $days ->
    [one] Betalningen täcker en dag, från { $from } till { $until }.
   *[other] Betalningen täcker { $days } dagar, från { $from } till { $until }.
  }
refund-share-returned = { $of ->
    [one] Det gäller den enda instans som reservationen har.
   *[other] Det gäller { $quantity } av { $of } instanser.
  }
refund-credit = Av det fås tillbaka
refund-credit-full = Återlämnad inom dagarna för full återbetalning och inte använd: allt.
refund-credit-used = Den har använts, så bara { $left } av { $all } dagar.
refund-credit-rest = Återlämnad { $on }: { $left } av { $all } dagar.
refund-fee = Avgift för avslut i förtid
refund-fee-why = { $percent } % av det som fås tillbaka.
refund-back = Pengar tillbaka
refund-dropped = Debiteras inte längre
refund-dropped-why = { $later ->
    [one] Faller bort av en senare delbetalning.
   *[other] Faller bort av { $later } senare delbetalningar.
  }
refund-cancelled = Åtagande som avbryts
refund-cancelled-why = Det som fås tillbaka före avgift, och det som inte längre debiteras.
refund-counted = Räknas mot gränsen
refund-counted-same = Beloppet är redan i gränsens valuta.
refund-counted-rate = { $amount } till kursen { $rate } { $currency } för 1 { $limit }, gällande från { $from }.
refund-before = Räknat tidigare
refund-before-why = Återlämningar de senaste { $months } månaderna.
refund-limit = Gräns
refund-limit-why = För { $months } månader, för en kund.
refund-left = Kvar efter den här återlämningen

exchange-lead = Först räknas det ut. Det som visas då gäller i högst { $minutes } minuter, och inget byts förrän du säger till. Det som köps måste kosta minst lika mycket som det som lämnas tillbaka.
exchange-steps = Bytets steg
exchange-given = Det som lämnas tillbaka
exchange-given-done = Det som lämnades tillbaka
exchange-instead = Det som köps i stället
exchange-instead-done = Det som köptes i stället
exchange-review = Granska bytet
exchange-done = Bytet är gjort
exchange-done-text = Utbytt { $at } (UTC).
exchange-returned-of = { $quantity ->
    [one] 1 instans av { $name }
   *[other] { $quantity } instanser av { $name }
  }
exchange-sums = Sammanlagt
exchange-sum-bought = Köp
exchange-sum-bought-why = Hela priset.
exchange-sum-returned = Återlämnat åtagande
exchange-sum-net = Skillnad
exchange-sum-missing = Saknas
exchange-sum-missing-why = Så mycket mindre köps än vad som lämnas tillbaka.
exchange-too-small = Bytet går inte att göra: det som köps kostar { $missing } för lite. Det måste kosta minst lika mycket som det som lämnas tillbaka. Välj en större storlek, fler instanser eller en längre löptid, eller lämna tillbaka färre.
exchange-lapsed = Det här gäller inte längre. Räkna ut det igen; inget har bytts.
exchange-sum-net-why = Åtagandet växer med det här beloppet. Ett byte kostar ingen avgift och räknas inte mot gränsen för återlämningar.
exchange-final = Ett byte går inte att ångra. Det som lämnas tillbaka upphör genast; det som köps börjar en ny löptid.
exchange-make = Byt
exchange-again = Välj igen
exchange-to-new = Gå till den nya reservationen
exchange-to-old = Gå till det som lämnades tillbaka

change-archive = Dölj
change-archive-lead = Reservationen är över. När den är dold står den inte längre i listan; du kan visa den igen när som helst.
change-unarchive = Visa igen
change-unarchive-lead = Reservationen är dold i listan. När den visas igen står den där som förut.
reservations-hidden = Dolda reservationer
reservations-shown = Tillbaka till listan

notice-returned = Reservationen är återlämnad.
notice-exchanged = Bytet är gjort.
notice-archived = Klart. Reservationens plats i listorna är ändrad.
