package cfb

// PlanVersion4 lays a tree out with sectors of 4096 bytes, which Plan does for large ones only.
func PlanVersion4(root *Node) (*Layout, error) {
	l, err := Plan(root)
	if err == nil {
		l.arrange(4096)
		l.place()
	}
	return l, err
}
