package main

import (
	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/config"
)

type runCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration; config/parcelsentry.yaml is the manual."`
}

// Run runs the service until a signal ends it.
func (c *runCommand) Run(s *shell) error {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	service, err := app.New(app.Options{Config: conf, Log: s.log(), Version: version()})
	if err != nil {
		return err
	}
	return service.Run(s.ctx)
}
