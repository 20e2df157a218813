// What a backend library gives: a file NAME.so in the folder of backends, opened when many processes work on one run, with
// one C function that makes c10d's engine of that name. Only the library needs the engine's headers and libraries.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace temper {

/// Throws std::exception if it cannot be made. Takes no part in error translation: the caller adds the words.
using MakeBackend = void (*)(const c10::intrusive_ptr<c10d::Store>& store, int rank, int world_size,
                             std::chrono::milliseconds timeout, c10::intrusive_ptr<c10d::Backend>& made);
inline constexpr const char* kMakeBackend = "temper_make_backend";

}  // namespace temper
