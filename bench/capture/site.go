package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/buger/gor/bench/netns"
)

// A site is an nginx that answers everything at once, on a host that a client
// reaches over loopback or over a wire.
type site struct {
	server, client netns.Host
	ip, port       string
	wire           *netns.Pair // nil for loopback
	dir            string
	nginx          *process
}

// nginxConf has one worker, so that on two cores there is one for the load. A
// second listener for each link costs nothing and keeps the file the same.
const nginxConf = `
worker_processes 1;
daemon off;
user root;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  client_max_body_size 16m;
  keepalive_requests 1000000000;
  server {
    listen %[2]s;
    location / { return 200 "ok"; }
  }
}
`

// openSite makes the link of that name and starts the server on it.
func openSite(ctx context.Context, link string) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "gor-bench-"); err != nil {
		return nil, err
	}
	s.ip = "127.0.0.1"
	if link == "veth" {
		if s.wire, err = netns.NewPair("gorbench"); err != nil {
			return nil, err
		}
		s.server, s.client, s.ip = s.wire.Near, s.wire.Far, s.wire.Near.IPv4
	}
	if s.port, err = freePort(s.server, s.ip); err != nil {
		return nil, err
	}
	conf := filepath.Join(s.dir, "nginx.conf")
	if err = os.WriteFile(conf, fmt.Appendf(nil, nginxConf, s.dir, s.address()), 0o600); err != nil {
		return nil, err
	}
	if s.nginx, err = start(s.server, "nginx", "-p", s.dir, "-e", filepath.Join(s.dir, "error.log"), "-c", conf); err != nil {
		return nil, err
	}
	return s, s.nginx.await(ctx, "answers", func() bool {
		c, err := s.client.Dial(s.address())
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

func (s *site) address() string { return net.JoinHostPort(s.ip, s.port) }

func (s *site) close() error {
	var errs []error
	if s.nginx != nil {
		errs = append(errs, s.nginx.stop())
	}
	if s.wire != nil {
		errs = append(errs, s.wire.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// freePort returns a port that nobody listens on.
func freePort(h netns.Host, ip string) (string, error) {
	l, err := h.Listen(net.JoinHostPort(ip, "0"))
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// patience is how long a program may take to start or to stop.
const patience = 20 * time.Second
