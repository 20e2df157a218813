// See hangul.h.
#include "hangul.h"

#include <algorithm>
#include <array>

namespace temper::pii_filter {
namespace {

constexpr std::array<std::u32string_view, 24> kTitles = {
    U"씨",   U"님",     U"군",   U"양",     U"옹",   U"네",   U"아",   U"야",   U"이",     U"들",   U"선생", U"선생님",
    U"교수", U"교수님", U"박사", U"박사님", U"대리", U"과장", U"부장", U"사장", U"사장님", U"회장", U"의원", U"기자"};

constexpr std::array<std::u32string_view, 63> kParticles = {
    U"은",     U"는",     U"이",   U"가",     U"을",   U"를",   U"의",     U"에",   U"에게",   U"에게서", U"한테",
    U"한테서", U"께",     U"께서", U"와",     U"과",   U"도",   U"만",     U"로",   U"으로",   U"로서",   U"으로서",
    U"로써",   U"으로써", U"랑",   U"이랑",   U"하고", U"부터", U"까지",   U"마저", U"조차",   U"밖에",   U"처럼",
    U"같이",   U"보다",   U"마다", U"나",     U"이나", U"든지", U"이든지", U"라고", U"이라고", U"라는",   U"이라는",
    U"란",     U"이란",   U"라도", U"이라도", U"야",   U"이야", U"다",     U"이다", U"였다",   U"이었다", U"입니다",
    U"예요",   U"이에요", U"이며", U"며",     U"여",   U"이여", U"에서",   U"대로"};

bool particles_only(std::u32string_view rest, int left) {
  if (rest.empty()) return true;
  if (left == 0) return false;
  return std::any_of(kParticles.begin(), kParticles.end(), [&](std::u32string_view particle) {
    return rest.starts_with(particle) && particles_only(rest.substr(particle.size()), left - 1);
  });
}

}  // namespace

bool is_particles(std::u32string_view rest) {
  if (rest.empty() || rest.size() > 12) return false;
  if (particles_only(rest, 3)) return true;
  return std::any_of(kTitles.begin(), kTitles.end(), [&](std::u32string_view title) {
    return rest.starts_with(title) && particles_only(rest.substr(title.size()), 3);
  });
}

}  // namespace temper::pii_filter
