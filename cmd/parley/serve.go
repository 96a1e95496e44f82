package main

import (
	"context"

	"github.com/parley-voice/parley/internal/app"
)

type serveCmd struct {
	settings
	HTTP       string `help:"Address of the REST API." placeholder:"HOST:PORT"`
	SIP        string `help:"Address of SIP." placeholder:"HOST:PORT"`
	ExternalIP string `help:"Address written in SDP, Contact and Via." placeholder:"ADDR|auto"`
	RTPPorts   string `help:"UDP ports for media." placeholder:"A-B"`
}

func (c serveCmd) Run(ctx context.Context, io streams) error {
	cfg, err := c.load(map[string]string{"http": c.HTTP, "sip": c.SIP, "external_ip": c.ExternalIP, "rtp_ports": c.RTPPorts})
	if err != nil {
		return err
	}
	return app.Serve(ctx, cfg, io.out, io.errs)
}
