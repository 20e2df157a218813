// Words of menus and ways to recognise their lines (see navigation.h).
#include "navigation.h"

#include <algorithm>
#include <array>
#include <string>

#include "utf8.h"

namespace temper::filters {
namespace {

constexpr std::size_t kLongestItem = 40, kLongestMenu = 300, kLongestNotice = 500, kLongestCopyright = 200;  // bytes
constexpr std::size_t kLeastItems = 3;

/// In order, so that they can be searched by halves.
template <std::size_t kSize>
constexpr std::array<std::string_view, kSize> sorted(std::array<std::string_view, kSize> words) {
  std::sort(words.begin(), words.end());
  return words;
}

/// Entries of menus. By themselves they may be anything; several side by side are a menu.
constexpr auto kEntries = sorted(std::to_array<std::string_view>({"about",
                                                                  "about me",
                                                                  "about us",
                                                                  "account",
                                                                  "all posts",
                                                                  "archive",
                                                                  "archives",
                                                                  "articles",
                                                                  "author",
                                                                  "back",
                                                                  "basket",
                                                                  "blog",
                                                                  "blogs",
                                                                  "careers",
                                                                  "cart",
                                                                  "categories",
                                                                  "checkout",
                                                                  "comments",
                                                                  "comments off",
                                                                  "contact",
                                                                  "contact me",
                                                                  "contact us",
                                                                  "cookie policy",
                                                                  "cookies",
                                                                  "disclaimer",
                                                                  "download",
                                                                  "downloads",
                                                                  "email",
                                                                  "events",
                                                                  "facebook",
                                                                  "faq",
                                                                  "faqs",
                                                                  "features",
                                                                  "feedback",
                                                                  "forum",
                                                                  "forums",
                                                                  "gallery",
                                                                  "google+",
                                                                  "help",
                                                                  "home",
                                                                  "home page",
                                                                  "homepage",
                                                                  "instagram",
                                                                  "jobs",
                                                                  "legal",
                                                                  "linkedin",
                                                                  "links",
                                                                  "log in",
                                                                  "log out",
                                                                  "login",
                                                                  "logout",
                                                                  "main page",
                                                                  "media",
                                                                  "members",
                                                                  "menu",
                                                                  "more",
                                                                  "my account",
                                                                  "navigation",
                                                                  "news",
                                                                  "newsletter",
                                                                  "next",
                                                                  "no comments",
                                                                  "our team",
                                                                  "page",
                                                                  "permalink",
                                                                  "photos",
                                                                  "pinterest",
                                                                  "press",
                                                                  "previous",
                                                                  "pricing",
                                                                  "print",
                                                                  "privacy",
                                                                  "privacy notice",
                                                                  "privacy policy",
                                                                  "products",
                                                                  "profile",
                                                                  "reddit",
                                                                  "register",
                                                                  "reply",
                                                                  "resources",
                                                                  "reviews",
                                                                  "rss",
                                                                  "search",
                                                                  "services",
                                                                  "settings",
                                                                  "share",
                                                                  "shop",
                                                                  "shopping cart",
                                                                  "sign in",
                                                                  "sign out",
                                                                  "sign up",
                                                                  "site map",
                                                                  "sitemap",
                                                                  "staff",
                                                                  "store",
                                                                  "subscribe",
                                                                  "support",
                                                                  "tags",
                                                                  "team",
                                                                  "terms",
                                                                  "terms and conditions",
                                                                  "terms of service",
                                                                  "terms of use",
                                                                  "testimonials",
                                                                  "tumblr",
                                                                  "tweet",
                                                                  "twitter",
                                                                  "uncategorized",
                                                                  "videos",
                                                                  "whatsapp",
                                                                  "wishlist",
                                                                  "youtube",
                                                                  "개인정보처리방침",
                                                                  "개인정보취급방침",
                                                                  "검색",
                                                                  "고객센터",
                                                                  "공지사항",
                                                                  "로그아웃",
                                                                  "로그인",
                                                                  "마이페이지",
                                                                  "목록",
                                                                  "메뉴",
                                                                  "사이트맵",
                                                                  "이용약관",
                                                                  "장바구니",
                                                                  "회사소개",
                                                                  "회원가입",
                                                                  "홈",
                                                                  "다음글",
                                                                  "이전글",
                                                                  "댓글"}));

/// Lines that are nothing else wherever they stand.
constexpr auto kButtons = sorted(std::to_array<std::string_view>({"add to cart",
                                                                  "add to wishlist",
                                                                  "advertisement",
                                                                  "back to top",
                                                                  "cancel reply",
                                                                  "click here to cancel reply",
                                                                  "click to share on facebook",
                                                                  "click to share on twitter",
                                                                  "continue reading",
                                                                  "email this",
                                                                  "email this to a friend",
                                                                  "follow us on facebook",
                                                                  "follow us on twitter",
                                                                  "jump to navigation",
                                                                  "jump to content",
                                                                  "leave a comment",
                                                                  "leave a reply",
                                                                  "like this",
                                                                  "loading",
                                                                  "log in to reply",
                                                                  "next post",
                                                                  "older posts",
                                                                  "newer posts",
                                                                  "pin it",
                                                                  "please enable javascript",
                                                                  "post a comment",
                                                                  "post navigation",
                                                                  "powered by wordpress",
                                                                  "previous post",
                                                                  "print this page",
                                                                  "read more",
                                                                  "read more here",
                                                                  "related articles",
                                                                  "related posts",
                                                                  "return to top",
                                                                  "scroll to top",
                                                                  "share on facebook",
                                                                  "share on twitter",
                                                                  "share this",
                                                                  "share this article",
                                                                  "share this entry",
                                                                  "share this page",
                                                                  "share this post",
                                                                  "share this story",
                                                                  "show more",
                                                                  "sign up for our newsletter",
                                                                  "skip to content",
                                                                  "skip to main content",
                                                                  "skip to navigation",
                                                                  "subscribe now",
                                                                  "subscribe to our newsletter",
                                                                  "terms of use privacy policy",
                                                                  "toggle navigation",
                                                                  "tweet this",
                                                                  "view all posts",
                                                                  "view full site",
                                                                  "view mobile site",
                                                                  "you may also like",
                                                                  "you might also like",
                                                                  "공유하기",
                                                                  "댓글쓰기",
                                                                  "맨 위로",
                                                                  "본문 바로가기"}));

constexpr std::array kSeparators = std::to_array<std::string_view>({"|", "·", "•", "»", "›", " > ", " / ", "\t", "｜"});

template <std::size_t kSize>
bool is_one_of(const std::string& word, const std::array<std::string_view, kSize>& words) {
  return std::binary_search(words.begin(), words.end(), word);
}

/// In lower case, without blanks and the marks that buttons have around their words.
std::string bare(std::string_view text) {
  std::string word = lowered(trimmed(text));
  constexpr std::array kMarks =
      std::to_array<std::string_view>({" ", "\t", "\r", ".", ":", "!", "*", "-", "+", ">", "<", "[",
                                       "]", "(",  ")",  "»", "«", "…", "›", "→", "←", "•", "·", "\xC2\xA0"});
  for (bool again = true; again && !word.empty();) {
    again = false;
    for (const auto mark : kMarks) {
      const std::string_view view = word;
      if (view.ends_with(mark) && view != "google+") {
        word.erase(word.size() - mark.size());
        again = true;
      } else if (view.starts_with(mark)) {
        word.erase(0, mark.size());
        again = true;
      }
    }
  }
  return word;
}

/// "Home | About | Contact": short parts, most of them entries.
bool is_menu(std::string_view line) {
  if (line.size() > kLongestMenu) return false;
  for (const auto separator : kSeparators) {
    if (line.find(separator) == std::string_view::npos) continue;
    std::size_t items = 0, entries = 0, longest = 0;
    for (std::size_t begin = 0; begin <= line.size();) {
      const std::size_t end = std::min(line.find(separator, begin), line.size());
      const std::string item = bare(line.substr(begin, end - begin));
      if (!item.empty()) {
        ++items;
        longest = std::max(longest, item.size());
        entries += is_one_of(item, kEntries) || is_one_of(item, kButtons) ? 1 : 0;
      }
      begin = end + separator.size();
    }
    if (items >= kLeastItems && entries >= 2 && entries * 2 >= items && longest <= kLongestItem) return true;
  }
  return false;
}

bool is_cookie_notice(std::string_view raw) {
  if (raw.find("ookie") == std::string_view::npos && raw.find("쿠키") == std::string_view::npos) return false;
  const std::string line = lowered(raw);
  constexpr std::array kUses =
      std::to_array<std::string_view>({"we use cookies", "site uses cookies", "website uses cookies", "use of cookies",
                                       "uses cookies to", "use cookies to", "our use of cookies", "쿠키를 사용"});
  constexpr std::array kAsks = std::to_array<std::string_view>(
      {"by continuing", "you agree", "you consent", "accept", "best experience", "browsing experience", "user experience",
       "your experience", "find out more", "learn more", "cookie settings", "opt out", "opt-out", "동의"});
  const auto has = [&](std::string_view phrase) { return line.find(phrase) != std::string::npos; };
  return std::any_of(kUses.begin(), kUses.end(), has) && std::any_of(kAsks.begin(), kAsks.end(), has);
}

/// "This entry was posted in Art and tagged prints. Bookmark the permalink."
bool is_post_line(std::string_view raw) {
  constexpr std::array kStarts = std::to_array<std::string_view>(
      {"this entry was posted ", "this post was posted ", "bookmark the permalink", "filed under: ", "posted in: "});
  if (raw.size() > kLongestMenu) return false;
  const std::string line = lowered(raw.substr(0, kLongestItem));
  return std::any_of(kStarts.begin(), kStarts.end(), [&](std::string_view start) { return line.starts_with(start); });
}

bool has_year(std::string_view line) {
  for (std::size_t i = 0; i + 4 <= line.size(); ++i) {
    const std::string_view year = line.substr(i, 4);
    const bool digits = std::all_of(year.begin(), year.end(), [](char c) { return c >= '0' && c <= '9'; });
    const bool alone = (i == 0 || line[i - 1] < '0' || line[i - 1] > '9') &&
                       (i + 4 == line.size() || line[i + 4] < '0' || line[i + 4] > '9');
    if (digits && alone && (year.starts_with("19") || year.starts_with("20"))) return true;
  }
  return false;
}

bool is_copyright_line(std::string_view raw) {
  constexpr std::array kHints = std::to_array<std::string_view>({"ight", "IGHT", "©", "ⓒ", "(c)", "(C)", "&copy;", "무단"});
  const auto hinted = [&](std::string_view hint) { return raw.find(hint) != std::string_view::npos; };
  if (std::none_of(kHints.begin(), kHints.end(), hinted)) return false;
  const std::string line = lowered(trimmed(raw));
  const auto has = [&](std::string_view phrase) { return line.find(phrase) != std::string::npos; };
  // Korean newspapers: no reproduction or redistribution without permission.
  if ((has("무단전재") || has("무단 전재")) && has("금지")) {
    return true;
  }
  if (has("all rights reserved") && line.size() <= kLongestItem * 2) return true;
  const bool mark = line.starts_with("©") || line.starts_with("&copy;") || line.starts_with("ⓒ") ||
                    line.starts_with("(c) ") || line.starts_with("copyright");
  if (!mark) return false;
  if (has("all rights reserved")) return true;
  if (!has_year(line)) return false;
  if (line.size() > 120) return false;
  if (!line.starts_with("copyright")) return true;
  // "Copyright 2001 was a busy year" is a sentence: behind the years there has to be a name, a sign, or nothing.
  std::string_view rest = trimmed(raw).substr(std::string_view("copyright").size());
  const std::size_t word = rest.find_first_not_of(" \t,-0123456789");
  rest = word == std::string_view::npos ? std::string_view() : rest.substr(word);
  const bool has_years = word != 0 && has_year(trimmed(raw).substr(0, trimmed(raw).size() - rest.size()));
  const bool has_sign =
      rest.starts_with("©") || rest.starts_with("(c)") || rest.starts_with("(C)") || rest.starts_with("&copy;");
  const bool goes_on = !rest.empty() && rest[0] >= 'a' && rest[0] <= 'z' && !rest.starts_with("by ");
  return has_sign || (has_years && !goes_on);
}

}  // namespace

void find_navigation(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone) {
  std::vector<std::size_t> run;  // entries on lines of their own, one below the other
  const auto end_run = [&] {
    for (const std::size_t i : run) {
      if (run.size() >= kLeastItems) gone[i] = true;
    }
    run.clear();
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = text.substr(lines[i].begin, lines[i].end - lines[i].begin);
    if (line.size() > kLongestNotice) {
      end_run();
      continue;
    }
    const std::string_view inner = trimmed(line);
    if (inner.empty()) continue;  // blank lines do not end a list
    const bool short_line = inner.size() <= kLongestItem + 8 && std::count(inner.begin(), inner.end(), ' ') < 8;
    const std::string word = short_line ? bare(inner) : "";
    const bool button = !word.empty() && is_one_of(word, kButtons);
    if (button || (!word.empty() && is_one_of(word, kEntries))) {
      run.push_back(i);
    } else {
      end_run();
    }
    if (button || is_menu(inner) || is_post_line(inner) || is_cookie_notice(inner)) gone[i] = true;
  }
  end_run();
}

void find_copyright_lines(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = text.substr(lines[i].begin, lines[i].end - lines[i].begin);
    if (line.size() <= kLongestCopyright && is_copyright_line(line)) gone[i] = true;
  }
}

}  // namespace temper::filters
