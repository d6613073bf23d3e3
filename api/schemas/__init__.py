"""What goes over the wire, one file a resource. Unknown members are refused."""
