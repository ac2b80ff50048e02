import Foundation

// Plain functions of one number for the oracles; named so that no overload of Tensor is meant.
func loggingE(_ x: Double) -> Double { log(x) }
func exponential(_ x: Double) -> Double { exp(x) }
