package main

import (
	"errors"
	"net/http"
	"time"
)

// readyAddress is where a worker tells whether it is ready.
const readyAddress = "127.0.0.1:18083"

// ready waits until the worker that has just been started is ready, and returns
// after how many seconds that was.
func (r *rig) ready() (float64, error) {
	began := time.Now()
	for time.Since(began) < time.Minute {
		answer, err := http.Get("http://" + readyAddress + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(began).Seconds(), nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, errors.New("the worker was not ready within a minute")
}
