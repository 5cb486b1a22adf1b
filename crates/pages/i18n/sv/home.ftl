### Instrumentpanelens första sida.

home-permissions = Kunder som får köpa
home-permitted-reservations = får köpa Azure-reservationer
home-permitted-savings-plans = får köpa Azure-sparplaner
home-permitted-latest = Senaste ändringar
home-purchases = Kundernas senaste köp
home-no-purchases = Inga köp av kunder än
home-no-purchases-text = Här visas det kunderna köper när du tillåter det. Du får inget annat meddelande.
home-expiring = Reservationer som upphör inom 90 dagar
home-no-expiring = Inget upphör snart
home-no-expiring-text = Reservationer visas här 90 dagar innan de upphör, så att du hinner förnya dem.
home-spend = Kostnad per månad
home-spend-description = Debiteringar minus återbetalningar de senaste tolv månaderna, månad för månad; totalt { $total } för kunderna att betala. Siffrorna finns i tabellen nedanför.
home-no-spend = Inga debiteringar än
home-no-spend-text = Här visas månad för månad vad du och dina kunder debiteras för reservationer.
home-price = Kunderna betalar
home-cost = Du betalar
home-month-heading = Månad
home-month = { $month ->
    [1] Januari
    [2] Februari
    [3] Mars
    [4] April
    [5] Maj
    [6] Juni
    [7] Juli
    [8] Augusti
    [9] September
    [10] Oktober
    [11] November
   *[12] December
  } { $year }
home-month-short = { $month ->
    [1] jan.
    [2] feb.
    [3] mars
    [4] apr.
    [5] maj
    [6] juni
    [7] juli
    [8] aug.
    [9] sep.
    [10] okt.
    [11] nov.
   *[12] dec.
  }
