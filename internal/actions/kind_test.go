package actions

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
)

func TestFaultsAreNamedByTheirRoot(t *testing.T) {
	dns := &net.DNSError{Name: "secret.example"}
	for _, c := range []struct {
		err  error
		want string
	}{
		{&url.Error{URL: "https://secret.example", Err: &net.OpError{Err: dns}}, "*net.DNSError"},
		{fmt.Errorf("a: %w: %w", dns, io.EOF), "*net.DNSError"},
		{errors.Join(fmt.Errorf("b: %w", dns)), "*net.DNSError"},
		{io.EOF, "*errors.errorString"},
	} {
		if got := kind(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
