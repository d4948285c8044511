package main

import (
	"errors"
	"fmt"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/config"
)

type checkCommand struct {
	Files []string `arg:"" type:"path" help:"Configurations to validate."`
	Print bool     `help:"Print the effective configuration, defaults filled in."`
}

// Run checks every file and reports all faults of all of them.
func (c *checkCommand) Run(s *shell) error {
	failed := 0
	for _, file := range c.Files {
		conf, err := check(file)
		if err != nil {
			var faults *config.Error
			if errors.As(err, &faults) {
				fmt.Fprintln(s.stderr, faults.Detail())
			} else {
				fmt.Fprintln(s.stderr, err)
			}
			failed++
			continue
		}
		if c.Print {
			if err := conf.Print(s.stdout); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(s.stdout, "%s: good, hash %s\n", file, conf.Hash())
	}
	if failed > 0 {
		return usageError{fmt.Errorf("%d of %d files can't be used", failed, len(c.Files))}
	}
	return nil
}

func check(file string) (config.Config, error) {
	conf, err := config.LoadFile(file)
	if err != nil {
		return conf, err
	}
	if _, err := app.NewSet(&conf); err != nil {
		return conf, fmt.Errorf("%s: %w", file, err)
	}
	return conf, nil
}
