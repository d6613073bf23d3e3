"""E-seals (SESeal) and seal signatures (SES_Signature) of GM/T 0031-2014 (version 1), GB/T 38540-2020 (version 4) and
GM/T 0031-2025 (version 5): ``parsing``, ``verifying``, ``making``. Bytes in, values out; nothing is fetched."""
