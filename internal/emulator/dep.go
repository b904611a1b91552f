package emulator

func (e *Emulator) uploadDepToken(c *call) (any, *refusal) {
	f, no := c.readFields(member{name: "appleId"}, member{name: "depToken"})
	if no != nil {
		return nil, no
	}
	return nil, c.require(f, "appleId", "depToken")
}
