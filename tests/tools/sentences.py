"""Fifty short sentences of our own, in Swahili and Yorùbá, with all that offsets go wrong in."""

import unicodedata

SWAHILI = """
Rais Samia alitembelea Nairobi jana.
👩🏽‍🏫 Mwalimu Amina anafundisha Mombasa.
Juma na Fatuma wanaishi Dar es Salaam 😀😀.
Benki ya Kenya ilifungua tawi jipya Kisumu.
👨‍👩‍👧‍👦 Familia ya Otieno ilihamia Nakuru mwaka jana.
Waziri Mkuu alikutana na wabunge Dodoma 🇹🇿.
Shirika la Msalaba Mwekundu lilituma misaada Turkana.
🎉🎉🎉 Simba ilishinda Yanga mjini Arusha!
Daktari Wanjiku anafanya kazi Hospitali ya Kenyatta.
Mvua kubwa ilinyesha usiku kucha.
“Karibu Zanzibar,” alisema Hassan.
Chuo Kikuu cha Makerere kiko Kampala, Uganda.
Ndege ya Kenya Airways ilitua Entebbe saa mbili 🛬.
Wanafunzi wanasoma kitabu cha Shaaban Robert.
Umoja wa Mataifa ulifanya mkutano Addis Ababa.
Bwana Kamau alinunua ng'ombe watatu.
Mji wa Lamu uko pwani ya Kenya 🏝️.
Polisi walimkamata mtu mmoja Tanga.
Café ya Zoë iko karibu na Moi Avenue.
Tunapenda chai na mandazi asubuhi ☕.
Mo Salah alifunga mabao mawili dhidi ya Ghana ⚽⚽.
Serikali ya Rwanda ilijenga barabara Kigali.
Halima aliandika barua kwa Rais Kagame ✉️.
Kampuni ya Safaricom ilitangaza faida kubwa.
Mlima Kilimanjaro uko Tanzania 🏔️, si Kenya.
"""

YORUBA = """
Ààrẹ Tinubu lọ sí ìlú Ìbàdàn lánàá.
👩🏿‍🌾 Adébáyọ̀ ń gbé ní ìlú Èkó.
Olùkọ́ Fọlákẹ́ ń kọ́ wa ní Yunifásítì Ìlọrin.
Ẹgbẹ́ Super Eagles borí Ghana ⚽.
Gómìnà Sanwo-Olu sọ̀rọ̀ ní Ìkẹjà.
Ọjọ́ dára lónìí 😀.
Wọlé Ṣóyínká gba ẹ̀bùn Nobel ní ọdún 1986.
Bọ́lá àti Kẹ́mi lọ sí ọjà Bódìjà.
🇳🇬 Nàìjíríà jẹ́ orílẹ̀-èdè ńlá.
Ọba Adéyẹyè Ògúnwùsì wà ní Ilé-Ifẹ̀.
Ilé-ìwòsàn UCH wà ní Ìbàdàn 🏥.
Fẹlá Kútì kọrin ní Lagos 🎷🎷.
Ìjọba àpapọ̀ kọ́ afárá tuntun.
Ṣọlá ra ẹran ní ọjà.
Báńkì First Bank ṣí ẹ̀ka tuntun ní Àkúrẹ́.
Mo fẹ́ràn ẹ̀bà àti ọbẹ̀ ẹ̀gúsí 🍲.
Ọ̀gbẹ́ni Àkàndé rìnrìn-àjò lọ sí London ✈️.
Àwọn ọlọ́pàá mú olè kan ní Abẹ́òkúta.
Ilé-iṣẹ́ Dangote wà ní Lekki 🏭.
Túndé Kèlání ṣe fíìmù tuntun 🎬.
“Ẹ káàárọ̀,” ni Mọ́remí wí.
Odò Ọ̀ṣun ń ṣàn ní Òṣogbo 🌊.
Ààrẹ Buhari kí àwọn ọmọ ogun ní Kàdúná.
Àjọ WHO fi oògùn ránṣẹ́ sí Bẹ̀nẹ̀.
Òjò rọ̀ púpọ̀ lálẹ́ àná ☔.
"""


def fifty() -> list[dict[str, str]]:
    """Return tasks of a text and its language; of those in Yorùbá every other is decomposed, the others composed."""
    swahili = [line for line in SWAHILI.splitlines() if line]
    yoruba = [line for line in YORUBA.splitlines() if line]
    forms = [unicodedata.normalize("NFD" if place % 2 else "NFC", line) for place, line in enumerate(yoruba)]
    return [{"text": text, "lang": "swh_Latn"} for text in swahili] + [{"text": t, "lang": "yor_Latn"} for t in forms]
