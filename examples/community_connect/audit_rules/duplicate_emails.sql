-- severity: error
-- remedy: Merge these members: the migration makes the address unique.
SELECT id FROM public.community_members
WHERE lower(email) IN (SELECT lower(email) FROM public.community_members GROUP BY 1 HAVING count(*) > 1);
