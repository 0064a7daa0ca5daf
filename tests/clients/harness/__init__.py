"""A server that is restarted while others send, real events, and the comparison of what was sent with what is found."""
