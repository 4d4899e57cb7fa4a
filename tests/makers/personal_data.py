"""Texts that hold personal data of each kind; numbers with checksums are made up and check."""

from __future__ import annotations

FOUND = {
    "email": [
        "lena.vogt@posthaus.de",
        "o'neil+news@mail.co.uk",
        "jürgen@müller-bau.de",
        "lena (at) posthaus (dot) de",
        "ＬＥＮＡ＠posthaus．de",
    ],
    "phone": [
        "+49 30 9018 20",
        "+44 (0)20 7219 3000",
        "call 6123456",
        "(212) 736-5000",
        "0171/1234568",
        "08712300220",
        "1-800-273-8255",
        "0049 30 901820",
        "ring me: 7219 3000",
        "780-999-2181 x45",
        "13812345679",
        "03.93.92.16.85",
        "٠١٧١ ١٢٣٤٥٦٨",
        "28-64-66-98 office",
    ],
    "ip_address": ["106.31.73.20", "2a00:1450:4001:81b::200e", "[2606:4700::1111]"],
    "iban": ["DE44 5001 0517 5407 3249 31", "gb33bukb20201555555555", "NO9386011117947"],
    "card": ["4556737586899855", "4556 7375 8689 9855", "5425-2334-3010-9903", "374245455400126"],
    "national_number": [
        "536-90-4399",
        "AB123456C",
        "130 692 544",
        "86095742719",
        "1 51 02 46 102 043 25",
        "12345679S",
        "Y2837465S",
        "RSSMRA85T10A562S",
        "BSN 111222333",
        "529.982.247-25",
        "2345 6789 0124",
        "11010519491231002X",
        "811228-9874",
        "85.07.30-033.28",
        "131052-308T",
        "756.9217.0769.85",
        "44051401359",
    ],
    "wallet": [
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "0x52908400098527886E0F7030069857D2E4169EE7",
    ],
    "key": [
        "AKIAIOSFODNN7QWERTYU",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "sk-proj-a1b2c3d4e5f6g7h8i9j0",
        "password: hunter22x",
        "API-Key = 9f8e7d6c5b4a",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
    "credentials": ["https://lena:hunter2@posthaus.de/inbox", "postgres://app:s3cret@db:5432/x"],
}


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, texts in table.items() for text in texts]
