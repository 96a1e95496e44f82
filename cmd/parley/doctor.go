package main

import (
	"context"

	"github.com/parley-voice/parley/internal/app"
)

type doctorCmd struct {
	serveCmd
}

func (c doctorCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(map[string]string{"http": c.HTTP, "sip": c.SIP, "external_ip": c.ExternalIP, "rtp_ports": c.RTPPorts})
	if err != nil {
		return err
	}
	return app.Doctor(ctx, cfg, io.out)
}
