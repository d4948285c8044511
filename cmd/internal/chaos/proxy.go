package chaos

type proxy struct{ address string }

func newProxy(upstream string, seed uint64) (*proxy, error) { return nil, nil }
func (p *proxy) close()                                     {}
