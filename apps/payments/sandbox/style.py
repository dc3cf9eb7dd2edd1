"""The look of the hosted page: phone first, one column, buttons a thumb can hit."""

STYLE = """
*{box-sizing:border-box}
:root{color-scheme:light}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1c2430;background:#f2f4f8}
.banner{background:#7a3e00;color:#fff;text-align:center;padding:.75rem 1rem;font-weight:700;
 letter-spacing:.02em;background-image:repeating-linear-gradient(-45deg,
 transparent 0 14px,rgb(0 0 0/.14) 14px 28px)}
main{max-width:28rem;margin:1.25rem auto;padding:1.5rem 1.25rem 1.75rem;background:#fff;
 border-radius:16px;box-shadow:0 1px 2px rgb(16 24 40/.08),0 12px 32px rgb(16 24 40/.08)}
@media(max-width:30rem){main{margin:0;border-radius:0;box-shadow:none;min-height:100vh}}
h1{font-size:1.25rem;line-height:1.3;margin:.25rem 0 1rem}
.to{margin:0;color:#4a5568;overflow-wrap:anywhere}
.total{font-size:2.125rem;letter-spacing:-.02em;margin:0 0 .5rem;
 font-variant-numeric:tabular-nums}
table{width:100%;border-collapse:collapse;margin:1rem 0 0}
caption{text-align:left;padding:0 0 .25rem;color:#4a5568;font-size:.9rem}
td,th{padding:.7rem 0;text-align:left;border-bottom:1px solid #e3e7ee;font-weight:400;
 overflow-wrap:anywhere;vertical-align:top}
td{text-align:right;white-space:nowrap;padding-left:1rem;font-variant-numeric:tabular-nums}
tfoot th,tfoot td{font-weight:700;border:0}
form{margin:1rem 0 0}
fieldset{border:0;margin:1.25rem 0 0;padding:0}
legend{padding:0;color:#4a5568;font-size:.9rem}
button,.back{display:block;width:100%;min-height:48px;padding:.75rem;border-radius:10px;
 font:inherit;font-weight:600;text-align:center;cursor:pointer;border:1px solid #8a94a6;
 background:#fff;color:#1c2430;text-decoration:none;margin-top:.625rem}
button:hover,.back:hover{background:#f2f4f8}
.pay{background:#1f5f3a;border-color:#1f5f3a;color:#fff;font-size:1.0625rem;min-height:54px}
.pay:hover{background:#184b2e}
.back{border-color:transparent;color:#1f4fa3}
button:focus-visible,.back:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}
.note{border-radius:10px;padding:.75rem 1rem;margin:0 0 1rem;background:#fde8e8;color:#7f1d1d}
.hint{color:#4a5568;font-size:.9rem;margin:1rem 0 0}
"""
