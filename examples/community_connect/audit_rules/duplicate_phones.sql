-- severity: error
-- remedy: Merge these members: the migration makes the number unique.
SELECT id FROM public.community_members
WHERE phone IN (SELECT phone FROM public.community_members GROUP BY 1 HAVING count(*) > 1);
