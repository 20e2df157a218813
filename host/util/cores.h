// How many cores there are to work with.
#pragma once

#include <algorithm>
#include <thread>

namespace temper {

/// At least 1, also where the system does not say.
inline int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

}  // namespace temper
