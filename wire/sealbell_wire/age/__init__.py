"""age v1 (C2SP age.md): sealing to X25519 and MLKEM768-X25519 recipients, and opening.

Read from the bottom up: `header` is the grammar, `x25519` and `mlkem768x25519` wrap a file key in one stanza,
`keys` reads their strings, `payload` is the chunked body, and `file` puts head and body together.
"""
