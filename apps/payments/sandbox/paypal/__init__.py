"""PayPal's twin: the sandbox's second wire, under /paypal of the same server.

It speaks v2 Orders, captures and refunds, webhooks with PayPal's signature and its verification,
disputes and transaction reports. Client id and secret of any school are an account of its own.
"""
