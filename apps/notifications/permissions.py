"""Who may see what the school has written to people, and who may send it again."""

VIEW_MESSAGES = "notifications.view_messages"
SEND_MESSAGES = "notifications.send_messages"

GRANTS = {
    VIEW_MESSAGES: ("admin", "bursar", "office"),
    SEND_MESSAGES: ("admin", "bursar", "office"),
}
