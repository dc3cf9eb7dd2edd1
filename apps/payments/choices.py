"""Why a person should look at a payment: the values of its column `attention`."""

MISMATCH = "mismatch"
EXTERNAL_REFUND = "external_refund"
REFUND_FAILED = "refund_failed"
DISPUTE = "dispute"
INQUIRY = "inquiry"
