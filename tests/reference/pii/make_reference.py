"""Makes pii_reference.json: what python-stdnum says of made-up numbers, half of them spoilt in one digit. None is anybody's.

Run: python make_reference.py > pii_reference.json      (python-stdnum 2.2)
"""
import json
import random

from stdnum import iban, luhn
from stdnum.kr import rrn
from stdnum.us import ssn

rng = random.Random(20)


def digits(n):
    return "".join(rng.choice("0123456789") for _ in range(n))


def spoil(text, low):
    """Another digit at one place from `low` on."""
    at = rng.choice([i for i in range(low, len(text)) if text[i].isdigit()])
    return text[:at] + rng.choice([d for d in "0123456789" if d != text[at]]) + text[at + 1:]


cards, ibans, residents, securities = [], [], [], []
for prefix, length in [("4", 16), ("4", 13), ("51", 16), ("2221", 16), ("37", 15), ("36", 14), ("6011", 16), ("3530", 16)] * 3:
    body = prefix + digits(length - len(prefix) - 1)
    number = body + luhn.calc_check_digit(body)
    for text in (number, spoil(number, 5)):
        cards.append({"text": text, "valid": luhn.is_valid(text)})
for country, length in [("GB", 22), ("DE", 22), ("FR", 27), ("NO", 15), ("NL", 18), ("CH", 21), ("SE", 24), ("PL", 28)] * 3:
    bank = {"GB": "NWBK", "NL": "ABNA"}.get(country, "")
    body = bank + digits(length - 4 - len(bank))
    number = country + iban.calc_check_digits(country + "00" + body) + body
    for text in (number, spoil(number, 4 + len(bank))):
        ibans.append({"text": text, "valid": iban.is_valid(text, check_country=False)})
for century, year in [("1", "70"), ("2", "99"), ("3", "01"), ("4", "19")] * 6:
    body = f"{year}{rng.randint(1, 9):02}{rng.randint(1, 28):02}{century}" + f"{rng.randint(0, 96):02}" + digits(3)
    number = body + rrn.calc_check_digit(body)
    for text in (number, spoil(number, 9), number[:2] + "13" + number[4:]):
        residents.append({"text": text[:6] + "-" + text[6:], "valid": rrn.is_valid(text)})
for area in ["001", "123", "665", "666", "667", "000", "899", "900", "987"]:
    for rest in ["12-3456", "00-3456", "12-0000", "99-9999"]:
        text = f"{area}-{rest}"
        securities.append({"text": text, "valid": ssn.is_valid(text)})
for text in ["078-05-1120", "219-09-9999", "457-55-5462"]:
    securities.append({"text": text, "valid": ssn.is_valid(text)})
print(json.dumps({"card": cards, "iban": ibans, "kr_rrn": residents, "us_ssn": securities}, indent=1))
