// Facts about the machine and the program that go into every record.
#pragma once

#include <map>
#include <string>

namespace temper {

std::string program_version();
/// hostname, cpu, cores, os, libtorch.
std::map<std::string, std::string> host_facts();

}  // namespace temper
