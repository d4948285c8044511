package chaos

func (r *Run) startCluster() ([]string, error) { return nil, nil }
